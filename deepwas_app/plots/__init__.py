"""Pictures: plain functions from a labelled Dataset to a HoloViews object or a Bokeh figure."""

import holoviews as hv
import holoviews.plotting.bokeh

# hv.extension() would load scripts from a CDN; choosing the backend by hand does not.
hv.Store.set_current_backend("bokeh")
