"""A study on a cluster: FireWorks and MongoDB as the engine, and what makes them safe.

submission   study -> small workflows, each job once      launching   -> the queue
worker       one launch: heartbeat, stop, spool, upload    reconcile   -> what is lost
overview     what is done, running, failed, lost           bundles     -> elsewhere
"""
