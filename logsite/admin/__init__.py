"""The admin site, and the bases of its pages: strict lists, lists of log rows."""

from logsite.admin.columns import badge, beginning, choice_badge, column, link, page_url, shown_time
from logsite.admin.filters import FormFilter, choice_filter, text_filter, time_range_filter
from logsite.admin.host_keys import HostKeyFilter, HostKeyPages
from logsite.admin.log_model import LogModelAdmin, LogSiteAdminSite
from logsite.admin.one_page import OnePage
from logsite.admin.read_only import ReadOnly
from logsite.admin.strict import StrictChangeList, StrictModelAdmin

__all__ = [
    "FormFilter",
    "HostKeyFilter",
    "HostKeyPages",
    "LogModelAdmin",
    "LogSiteAdminSite",
    "OnePage",
    "ReadOnly",
    "StrictChangeList",
    "StrictModelAdmin",
    "badge",
    "beginning",
    "choice_badge",
    "choice_filter",
    "column",
    "link",
    "page_url",
    "shown_time",
    "text_filter",
    "time_range_filter",
]
