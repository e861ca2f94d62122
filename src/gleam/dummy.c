int gleam_dummy; int gleam_dummy = 0;
