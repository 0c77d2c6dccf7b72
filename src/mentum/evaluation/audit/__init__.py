"""What a model could cheat by: how well taxa can be told from what is not the specimen."""
