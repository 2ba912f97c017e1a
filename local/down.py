"""`make down`: stops what `make up` left running; nothing happens when nothing runs."""

from local.demo import ROOT
from local.stack import Stack

if __name__ == "__main__":
    Stack(ROOT).stop()
    print("Stopped.")
