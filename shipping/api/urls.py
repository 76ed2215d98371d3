"""Addresses of the shipping API, below /api/."""

from django.urls import path

from shipping.api.views import DestinationList, FeedView, RejectedList, StatusList

urlpatterns = [
    path("monitoring/logs", FeedView.as_view(), name="feed"),
    path("v2/shipping/destinations/", DestinationList.as_view(), name="shipping-destinations"),
    path("v2/shipping/status/", StatusList.as_view(), name="shipping-status"),
    path("v2/shipping/rejected/", RejectedList.as_view(), name="shipping-rejected"),
]
