Feature: Before it breaks
  The detectors look ahead. What they foresee, with what speaks for it and in time to act, is proposed as a repair before
  anybody notices; and since nothing has happened yet, a prediction alone merges nothing.

  Scenario: A slow leak is proposed for repair before its limit is reached
    Given "raise-limit" repairs merge by themselves
    And the detectors look ahead
    When cart begins to leak slowly
    Then a repair of cart is proposed while its memory is below the sensor's limit
    And the pull request says that nothing is broken yet, and what speaks for it
    And it waits for a person because it is born of a prediction
