"""The Amazon Business half of the sandbox: one module per API, over one state.

`vendor.py` puts them together; `sign_in.py` issues and checks tokens; `state.py` holds the documents; `events.py`
makes things happen; `parameters.py`, `paging.py` and `errors.py` are the conventions that all of its APIs share.
"""
