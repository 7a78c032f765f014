"""What several tests share: real servers, a real Python 3.9."""
