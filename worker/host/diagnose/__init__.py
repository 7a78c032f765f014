"""Why a build failed: which operator of the graph it was, where that came from, and which step repairs it."""
