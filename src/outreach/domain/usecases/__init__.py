"""One module is one verb is one class whose fields are ports."""
