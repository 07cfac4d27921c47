"""Commands that read: outlets, status, articles, and exports of them."""
