"""Collecting interfaces: claims, one device, many devices, and the stored responses.

`one_device.py` collects one device for every caller: a thread of the command, a request, a Celery task. In a
fleet the next device starts as soon as the connection to this one is closed; results are stored meanwhile. The
device's row says which process has claimed it and whether it is queued. A Celery task carries ids only, and a
task that is delivered twice finds nothing to do the second time.
"""
