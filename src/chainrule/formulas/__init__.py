"""Every formula of the package, as pure functions; nothing here knows of files, tables or estimators."""
