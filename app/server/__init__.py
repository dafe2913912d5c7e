"""gunicorn with its gevent worker; gunicorn.conf.py configures it."""
