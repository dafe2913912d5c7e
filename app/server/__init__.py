"""What runs only in gunicorn; `gunicorn.conf.py` sets it up."""
