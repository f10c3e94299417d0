"""One file a library, imported when an object of that library is met; none imports its library."""
