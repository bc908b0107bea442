"""Assets from the campaign rows to the model inputs."""
