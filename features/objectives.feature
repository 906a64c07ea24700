Feature: Objectives and error budgets
  What was promised of a service is a document in Git. The loop keeps the account, says what is left, and treats a budget that is
  spent too fast as trouble, whatever the single metrics look like.

  Scenario: A promise that is being broken opens an incident, and the repair ends it
    Given "rollback-release" repairs merge by themselves
    And the built-in sensors are switched off
    And checkout promises that 99.5 % of its requests succeed each day
    And half a minute goes by
    Then the whole error budget of checkout is left
    And there is no incident
    When checkout gets a bad release
    And the repair is applied
    Then status and page say where the promise stands and what stands out
    And the incident names the objective "checkout-requests"
    And checkout runs release "1.4.2"
    And not the whole error budget of checkout is left
    And judging the incident again gives the same verdicts, byte for byte

  Scenario: Whoever withdraws a promise takes its incident back with it
    Given "rollback-release" repairs need a review
    And the built-in sensors are switched off
    And checkout promises that 99.5 % of its requests succeed each day
    When checkout gets a bad release
    And a pull request is open
    And the promise is withdrawn
    And half a minute goes by
    Then pull request 1 is closed
    And the incident ended as "stale"
    And there is 1 incident

  Scenario: Whoever withdraws a sensor takes back what it alone claimed
    Given "rollback-release" repairs need a review
    When checkout gets a bad release
    And a pull request is open
    And the built-in sensors are switched off
    And half a minute goes by
    Then pull request 1 is closed
    And the incident ended as "stale"
