"""The server: gunicorn with its gevent worker; gunicorn.conf.py sets it up."""
