Feature: Prove what happened
  The log holds everything that led to a merge and proves itself with public keys alone. What was changed afterwards
  is found, and every decision can be taken again from what was recorded.

  Background:
    Given "rollback-release" repairs merge by themselves
    And checkout gets a bad release
    And the repair is applied

  Scenario: The whole story is proved
    Then the log proves itself
    And git itself verifies the newest commit
    And judging the incident again gives the same verdicts, byte for byte

  Scenario: One flipped byte is found
    When somebody flips one byte of a payload in a copy of the repository
    Then the copy does not prove itself

  Scenario: A log that was rolled back is found
    When somebody rolls the log back in a copy of the repository
    Then the copy does not prove itself

  Scenario: A commit in the machine's name without its signature is found
    When somebody commits in the machine's name in a copy of the repository
    Then the copy does not prove itself
