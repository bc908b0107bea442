"""The texts of the report: by the template, or by Gemini."""
