"""Prints the price data of a genai-prices wheel as JSON, in the format its project publishes.

    python3 scripts/read-genai-prices.py genai_prices-<version>-py3-none-any.whl

Needs the standard library only. The wheel's data are Python source that calls constructors; every
constructor is replaced by one that returns its arguments, so nothing of the package is imported.
"""

import datetime
import json
import sys
import zipfile
from decimal import Decimal


def recorder(name):
    def record(*args, **kwargs):
        fields = {key.rstrip('_'): value for key, value in kwargs.items() if value is not None}
        if name == 'StartDateConstraint':
            fields['type'] = 'start_date'
        if name == 'TimeOfDateConstraint':
            fields['type'] = 'time_of_date'
        if args:
            raise ValueError(f'{name}: positional arguments are not known')
        return fields

    return record


class Names(dict):
    """What `from .types import *` would provide, one recorder for each name."""

    def __missing__(self, name):
        if name == 'list' or not name[0].isupper():
            raise KeyError(name)
        return recorder(name)


def to_json(value):
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, datetime.time):
        if value.tzinfo is not datetime.UTC:
            raise ValueError(f'{value} is not in UTC')
        return value.strftime('%H:%M:%SZ')
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def main(wheel):
    with zipfile.ZipFile(wheel) as archive:
        source = archive.read('genai_prices/data.py').decode('utf-8')
    source = source.replace('from .types import *', '').replace('providers: list[Provider] =', 'providers =')
    names = Names()
    exec(compile(source, 'data.py', 'exec'), names)
    json.dump(names['providers'], sys.stdout, default=to_json)


main(sys.argv[1])
