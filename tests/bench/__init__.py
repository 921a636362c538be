"""What does one caller cost, and how long do they wait? Prints, never asserts."""
