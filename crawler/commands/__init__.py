"""The commands, one module each, in packages by what they do (COMMANDS_MODULE)."""

from crawler.cli import memory

# Scrapy imports every command to run one. What was imported so far is not searched for garbage at
# each step of that, which would take an eighth of the start.
memory.tune()
