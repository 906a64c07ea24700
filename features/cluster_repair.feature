Feature: A cluster says what is wrong, and Git repairs it
  Nobody wrote an alert. What a Kubernetes cluster says of what it was given is enough: the commit that brought it is found,
  the repair is a commit, and the cluster says whether it helped.

  Background:
    Given a till of two pods on a cluster, as Git says

  Scenario: An image that no node can get goes back to the one before, by itself
    Given "cluster-image-missing" repairs merge by themselves
    When Ada releases "till:1.5.0-missing"
    And the cluster says "ImagePullBackOff"
    And the machine merges a repair
    And the rollout is complete
    Then the till runs "till:1.4.2"
    And the machine changed one line
    And the log names Ada's commit, "release" and "image-pull"
    When five minutes go by
    Then the repair is verified as better
    And the log proves itself

  Scenario: A setting that crashes is undone when a person approves
    Given "cluster-crash-config" repairs need a review
    When Ada moves the sessions to "redis://nowhere"
    And the cluster says "CrashLoopBackOff"
    And a pull request is open
    Then nothing of the machine is on main
    When Ada approves pull request 1
    And the rollout is complete
    Then the sessions are at "redis://sessions"
    And Ada's commit is undone exactly
    And pull request 1 is merged by "ada"

  Scenario: In shadow the cluster's trouble is explained and nothing is touched
    When Ada releases "till:1.5.0-missing"
    And the cluster says "ImagePullBackOff"
    And two minutes go by
    Then the log names Ada's commit, "release" and "image-pull"
    And nothing of the machine is on main
    And the till is to run "till:1.5.0-missing"
