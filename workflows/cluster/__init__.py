"""A study on a cluster: FireWorks and MongoDB as the engine, and what makes them safe.

init             `ionface init-cluster`: all configuration in one folder
settings         where that configuration is
connection       launchpad, store, queue and settings, for every command
submission       study -> small workflows, each job once
resources        what each job asks of the queue
batch, queues    ready jobs into the batch system, each by a job of its own
worker           an rlaunch that can be stopped, and that sets its job free
guard            what a Firework may be, before it is decoded
stopping         how a running job is asked to end
recovery         what is lost and may run again
overview         what is done, running, failed, lost
transfer         results into the project directory, checked by digest
archive          a project as one file, to carry elsewhere
large_documents  a store that moves large outputs to where they have room
remote           jobflow-remote, where compute nodes see no database
doctor, findings every link of the chain, and what to do about it
"""
