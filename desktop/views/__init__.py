"""What is seen: widgets without decisions. They show models and hand on what the user does."""
