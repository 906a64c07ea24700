Feature: git revert as panic button
  Plain Git is enough to take back what the machine did. Nobody needs Homeostat's tools for it, and the machine
  does not do again what a person has undone.

  Scenario: A person reverts a repair with plain git
    Given "rollback-release" repairs merge by themselves
    And checkout gets a bad release
    And the repair is applied
    When Ada runs git revert on the machine's commit and pushes
    And three minutes go by
    Then the revert is admitted and applied
    And checkout runs release "1.5.0"
    And a hold keeps the machine away from "apps/shop/checkout.yaml"
    And the machine has not done it again
    And the log proves itself

  Scenario: Reverting the person's revert is theirs, too
    Given "rollback-release" repairs merge by themselves
    And checkout gets a bad release
    And the repair is applied
    When Ada runs git revert on the machine's commit and pushes
    And Ada runs git revert on her own revert and pushes
    And a minute goes by
    Then checkout runs release "1.4.2"
    And the machine has not done it again
