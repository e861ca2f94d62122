int main_gleam_infer(int argc, char* argv[argc]);
int main_gleam_infer(int, char* argv[]) { (void)argv; return 0; }
