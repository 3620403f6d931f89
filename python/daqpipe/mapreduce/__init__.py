"""
Map-reduce over events: what worker and reducer classes import. Each class is named ``module:Class`` to map-work, map-reduce and
map-replay, which run it in a process of its own (:mod:`daqpipe.mapreduce.child`).
"""
