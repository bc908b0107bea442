"""One schema object per stored table; checks, column schemas, lineage and the reference pages derive from it."""
