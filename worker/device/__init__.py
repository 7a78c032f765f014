"""What runs inside the build child: compile, build, verify, benchmark."""
