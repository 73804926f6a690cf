"""The graph view beside Netron on the same large graphs, in the same browser."""
