Feature: What is in a cluster is what Git says, and never gone by accident
  Background:
    Given a till of two pods on a cluster, as Git says

  Scenario: What somebody changed by hand is put back
    When somebody sets the image to "till:debug" by hand
    Then the till is put back to "till:1.4.2"

  Scenario: What somebody deleted by hand is made again
    When somebody deletes the till by hand
    Then the till is put back to "till:1.4.2"

  Scenario: A commit that deletes nearly everything deletes nothing
    When Ada removes every file of the till but one and pushes
    Then the till is the same object as before
    And a person was told that its pruneBudget is in the way
    When Ada reverts that and pushes
    Then the till is the same object as before
    And what Git says is applied

  Scenario: A restart that is merged as a file restarts the pods once
    When Ada merges the Operation "restart-till" that restarts the till
    And the rollout is complete
    Then every pod of the till is a new one
    And the Operation "restart-till" is done
    When two minutes go by
    Then no pod has been replaced since
