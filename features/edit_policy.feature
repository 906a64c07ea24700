Feature: Edit policy YAML in Git
  What the machine may do is written in files of the protected branch. Editing them is a commit like any other, and
  counts from the moment it is there. A file that does not load opens nothing up.

  Scenario: A fresh installation only says what it would do
    When checkout gets a bad release
    And a minute goes by
    Then no pull request was ever opened
    And no branch or pull request of the machine exists
    And a person was paged about "autonomy"
    And checkout runs release "1.5.0"

  Scenario: Opening up autonomy lets the next repair merge by itself
    Given "rollback-release" repairs merge by themselves
    When checkout gets a bad release
    And the repair is applied
    Then checkout runs release "1.4.2"
    And pull request 1 is merged by "homeostat"

  Scenario: A policy file that does not load changes nothing until it is repaired
    Given "rollback-release" repairs merge by themselves
    When Ada breaks the limits file and pushes
    And checkout gets a bad release
    And a minute goes by
    Then the file and line of the mistake are told to a person
    And nothing of the machine is on main
    And checkout still runs what the last good revision says, release "1.4.2"
    When Ada repairs the limits file and pushes
    And two minutes go by
    Then the machine's repair is on main
    And checkout runs release "1.4.2"

  Scenario: A tightened limit refuses, whoever approves
    Given "scale-out" repairs need a review
    And the replicas of a service may not be raised at all
    When a sale doubles the orders
    And a minute goes by
    Then no pull request is open
    And the log says that the guard "limit" refused
    And checkout has 3 replicas

  Scenario: In a freeze repairs wait, and go on when it is over
    Given "rollback-release" repairs merge by themselves
    And a freeze that ends in three minutes
    When checkout gets a bad release
    And two minutes go by
    Then nothing of the machine is on main
    And pull request 1 waits because of "frozen"
    When two minutes go by
    Then checkout runs release "1.4.2"
