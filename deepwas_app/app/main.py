"""What ``panel serve`` takes: one dashboard per session.

``panel serve deepwas_app/app/main.py --address localhost --warm``; without an address it would
listen to every machine that reaches this one, and is refused unless people log in.

Environment: ``DEEPWAS_STUDIES``, studies to offer, separated as in PATH, the first is opened;
``DEEPWAS_DATA_ROOT``, the folder for runs and for studies that are built here;
``DEEPWAS_NO_LOGIN``, set where everybody may come in.
"""

from deepwas_app.app.serving import serve_session

serve_session()
