Feature: Panic
  One command takes back everything that the machine did lately, in one signed commit, and puts the brake on.

  Scenario: Everything of the last minutes is undone and the machine stands still
    Given "rollback-release" repairs merge by themselves
    And checkout gets a bad release
    And the repair is applied
    When Ada panics about the last 5 minutes
    And two minutes go by
    Then checkout runs release "1.5.0"
    And the newest commit on main is the machine's "Panic: undo 1 machine-made commit"
    And git itself verifies the newest commit
    And the machine has done nothing since
    And a brake of "ada" is on
    And the log proves itself

  Scenario: Panicking twice undoes nothing twice
    Given "rollback-release" repairs merge by themselves
    And checkout gets a bad release
    And the repair is applied
    When Ada panics about the last 5 minutes
    And Ada panics about the last 5 minutes
    Then there is 1 panic commit on main
    And checkout runs release "1.5.0"

  Scenario: People's commits stay
    Given "rollback-release" repairs merge by themselves
    And checkout gets a bad release
    And the repair is applied
    And Bob edits cart, in the same unit, and pushes
    When Ada panics about the last 5 minutes
    And half a minute goes by
    Then what Bob pushed is still there
    And checkout runs release "1.5.0"
