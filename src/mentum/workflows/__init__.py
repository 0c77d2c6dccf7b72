"""One function per task, as the command of that name: takes plain arguments, writes files, returns frozen records."""
