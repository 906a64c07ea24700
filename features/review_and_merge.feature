Feature: Review and merge a repair
  Every repair is a pull request. Where policy wants a person, it waits for one: what they approve lands exactly as they
  saw it, what they reject is gone, and an approval of something else than what would land counts nothing.

  Background:
    Given "rollback-release" repairs need a review

  Scenario: A repair waits for a person and lands when they approve it
    When checkout gets a bad release
    And a pull request is open
    Then nothing of the machine is on main
    And a person was paged that a pull request waits
    When Ada approves pull request 1
    And a minute goes by
    Then checkout runs release "1.4.2"
    And the newest commit on main is the machine's "checkout: release 1.5.0 -> 1.4.2"
    And pull request 1 is merged by "ada"
    And the log holds, in this order: proposal, verdict, review, verdict, merge, apply
    And the log proves itself

  Scenario: A rejected repair is closed and nothing is applied
    When checkout gets a bad release
    And a pull request is open
    And Ada rejects pull request 1
    And a minute goes by
    Then pull request 1 is closed
    And checkout runs release "1.5.0"
    And nothing of the machine is on main
    And a person was paged about "do-nothing"

  Scenario: A rejected repair makes room for a smaller one
    Given "scale-out" repairs need a review
    When a sale doubles the orders
    And a pull request is open
    And Ada rejects pull request 1
    And half a minute goes by
    Then pull request 1 is closed
    And pull request 2 is open and asks for fewer replicas than pull request 1

  Scenario: A rejected repair is not proposed again for the next incident, though something beside it has changed
    When checkout gets a bad release
    And a pull request is open
    And Ada rejects pull request 1
    And Bob edits cart, in the same unit, and pushes
    And the store is lost
    And half a minute goes by
    Then another incident of it is over
    And no pull request is open
    And a person was paged that "ada" rejected it and until when that stands
    And the log proves itself

  Scenario: An approval of an older head does not count
    When checkout gets a bad release
    And a pull request is open
    And Bob edits cart, in the same unit, and pushes
    And half a minute goes by
    Then Ada cannot approve pull request 1 as she saw it before
    And nothing of the machine is on main
    When Ada approves pull request 1
    And half a minute goes by
    Then checkout runs release "1.4.2"
    And what Bob pushed is still there
