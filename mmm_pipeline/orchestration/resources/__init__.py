"""What assets are given: the workspace, IO managers, Gemini."""
