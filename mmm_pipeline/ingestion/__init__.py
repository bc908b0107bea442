"""From the tables a company has to the inputs of the model."""
