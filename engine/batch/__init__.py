"""One request over many files: which files, what is done already, who does the rest, and the report of it.

``find`` turns paths, folders and globs into work items; ``ledger`` is the resume file; ``stores`` are the places that
results go to, a folder or a URL; ``publish`` moves results there, also after a kill; ``local`` has engines on this
machine, ``cluster`` on a Ray cluster; ``run`` puts these together and ``report`` writes what came of it.
"""
