"""Where the outside comes in: settings, container, worker, web and command line."""
