"""``Config``: a process file made from another one (spec procmgr.md 2.1). An entry is known by its key; its own ``id`` may be an older name."""

import copy
import sys


class Config:
    """``main_config`` are the entries to choose from, ``select_config`` those that are chosen, in that order."""

    def __init__(self, main_config):
        self.main_config = {entry["id"]: copy.deepcopy(entry) for entry in main_config}
        self.select_config = {}

    def select(self, items):
        """Takes entries by id; a dictionary is taken as it is. An unknown id is told and passed over."""
        for item in items:
            if isinstance(item, dict):
                self.add(item)
            elif item in self.main_config:
                self.select_config[item] = copy.deepcopy(self.main_config[item])
            else:
                print("Warning: there is no %s to select" % item, file=sys.stderr)

    def add(self, entry):
        """Adds a new entry, or replaces the one of the same id. Raises ValueError for anything but a dictionary."""
        if not isinstance(entry, dict):
            raise ValueError("an entry is a dictionary with an id, not %r" % (entry,))
        self.select_config[entry["id"]] = copy.deepcopy(entry)

    def rename(self, *pairs):
        """Gives entries new ids; an entry that is not chosen yet is chosen by this. It moves to the end."""
        for old, new in pairs:
            if old not in self.select_config:
                self.select([old])
            if old in self.select_config:
                self.select_config[new] = self.select_config.pop(old)

    def extend(self, entries):
        for entry in entries:
            self.add(entry)

    def show(self, full=False):
        """Prints id, host and command of what is chosen; long commands are cut unless ``full``."""
        for name, entry in self.select_config.items():
            command = entry["cmd"] if full or len(entry["cmd"]) <= 80 else entry["cmd"][:65] + "..." + entry["cmd"][-12:]
            print("%-20s %-18s %s" % (name, entry.get("host", ""), command))
