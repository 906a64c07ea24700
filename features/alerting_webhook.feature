Feature: Webhook from alerting
  Alertmanager delivers, Homeostat answers once the alert is on disk. An alert is a claim: it is proved by the shared
  secret, checked against the present, and delivered twice it is still one.

  Scenario: A signed delivery becomes an incident and a repair
    Given "rollback-release" repairs merge by themselves
    And the built-in sensors are switched off
    And checkout gets a bad release
    And half a minute goes by
    Then there is no incident
    When Alertmanager delivers a signed alert about "checkout"
    Then the delivery is answered with 202
    When the repair is applied
    Then checkout runs release "1.4.2"
    And the incident names the alert

  Scenario: An unsigned delivery is refused and leaves nothing behind
    When somebody delivers an unsigned alert about "checkout"
    Then the delivery is answered with 401
    And no signal is stored

  Scenario: A delivery signed with another secret is refused
    When somebody delivers an alert about "checkout" signed with another secret
    Then the delivery is answered with 401
    And no signal is stored

  Scenario: Delivering again does nothing again
    Given "rollback-release" repairs merge by themselves
    And the built-in sensors are switched off
    And checkout gets a bad release
    And half a minute goes by
    When Alertmanager delivers a signed alert about "checkout"
    And the repair is applied
    And the very same delivery comes 20 times more
    And a minute goes by
    Then there is 1 incident
    And there is 1 machine commit on main

  Scenario: An alert that fires on is looked at again once an hour, when its incident is over
    Given the built-in sensors are switched off
    And checkout gets a bad release
    And half a minute goes by
    When Alertmanager delivers a signed alert about "checkout" that began 54 minutes ago
    And five minutes go by
    Then the incident ended as "no-cause"
    When Alertmanager delivers that alert again, since it fires still
    And half a minute goes by
    Then there is 1 incident
    When two minutes go by
    And Alertmanager delivers that alert again, since it fires still
    And half a minute goes by
    Then there are 2 incidents

  Scenario: A stale alert is closed without touching anything
    Given "rollback-release" repairs merge by themselves
    When Alertmanager delivers a signed alert about "checkout"
    And a minute goes by
    Then the incident ended as "stale"
    And no pull request was ever opened

  Scenario: An alert that is six hours old when it arrives is checked against the present, and closed
    Given "rollback-release" repairs merge by themselves
    When Alertmanager delivers a signed alert about "checkout" that began six hours ago
    And a minute goes by
    Then the incident ended as "stale"
    And nobody was paged
    And no pull request was ever opened

  Scenario: An alert that is old when it arrives and still true is no less true
    Given "rollback-release" repairs merge by themselves
    And the built-in sensors are switched off
    And checkout gets a bad release
    And five minutes go by
    And five minutes go by
    And five minutes go by
    And five minutes go by
    When Alertmanager delivers a signed alert about "checkout" that began 20 minutes ago
    And the repair is applied
    Then checkout runs release "1.4.2"

  Scenario: An alert that was old when it arrived and that nobody can check pages nobody
    When Alertmanager delivers a signed alert about "mailer" that began six hours ago
    And five minutes go by
    And a minute goes by
    Then the incident ended as "stale"
    And nobody was paged

  Scenario: Of what nobody measures the end of its alert is enough, and nobody is paged
    When Alertmanager delivers a signed alert about "mailer"
    And half a minute goes by
    And Alertmanager delivers the end of that alert
    And a minute goes by
    Then the incident ended as "stale"
    And nobody was paged

  Scenario: A repair that waits for a person still waits when its alert has ended, and the page says so
    Given "rollback-release" repairs need a review
    And the built-in sensors are switched off
    And checkout gets a bad release
    And half a minute goes by
    When Alertmanager delivers a signed alert about "checkout"
    And a pull request is open
    And Alertmanager delivers the end of that alert
    And a minute goes by
    Then pull request 1 is open
    And its case says "every alert of the incident is resolved"
    When Ada approves pull request 1
    And a minute goes by
    Then checkout runs release "1.4.2"
