"""The admin site, and the bases of its pages: strict lists, lists of log rows."""

from logsite.admin.columns import badge, beginning, choice_badge, column, link, page_url, shown_time
from logsite.admin.filters import FormFilter, choice_filter, text_filter, time_range_filter
from logsite.admin.host_keys import HostKeyFilter, HostKeyPages
from logsite.admin.log_model import LogModelAdmin, LogSiteAdminSite
from logsite.admin.one_page import OnePage
from logsite.admin.read_only import ReadOnly
from logsite.admin.source_list import DEADLINE_SECONDS, Problem, SourceModelAdmin, filters_of, problem_of
from logsite.admin.strict import StrictChangeList, StrictModelAdmin

__all__ = [
    "DEADLINE_SECONDS",
    "FormFilter",
    "HostKeyFilter",
    "HostKeyPages",
    "LogModelAdmin",
    "LogSiteAdminSite",
    "OnePage",
    "Problem",
    "ReadOnly",
    "SourceModelAdmin",
    "StrictChangeList",
    "StrictModelAdmin",
    "badge",
    "beginning",
    "choice_badge",
    "choice_filter",
    "column",
    "filters_of",
    "link",
    "page_url",
    "problem_of",
    "shown_time",
    "text_filter",
    "time_range_filter",
]
