"""One open run: recorded off the training thread, asked by the browser, pushed while live."""
