"""What ortviz costs, each figure as a ratio to a peer measured in the same run."""
