"""One child process: how it is kept apart, what it says, why it ended, and the protocol between it and its worker."""
