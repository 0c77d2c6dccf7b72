"""One function per task, each as the command of that name."""
