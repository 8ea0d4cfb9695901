// Package drills has what takes too long for every change: restores of a whole
// namespace, floods, and large groups. `make drills` brings up the cluster,
// installs the operator and runs them; `make drills DRILL="words"` runs those
// whose names match.
//
// Its files have the build tag drills, so that no other run of tests starts them.
// A drill tells what it measured by AddReportEntry. At the end of the run, the
// section of each drill in docs/drills.md is written anew, with the commit.
package drills
