"""Studies of a recipe or a data set that train many times, from a user's folder to a record."""
